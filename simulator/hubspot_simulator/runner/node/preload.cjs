'use strict';
// Runs first in every Node that `hubspot-simulator run` reaches (NODE_OPTIONS), since Node's clients ignore proxies.
//
// Every connection of Node's own goes through net.Socket.prototype.connect: http, https, tls, fetch. There HubSpot's
// hosts become the simulator's address. The name that TLS checks is left as it is, and NODE_EXTRA_CA_CERTS has Node
// trust the simulator's private authority.
const net = require('node:net');

const child = JSON.parse(process.env.HUBSPOT_SIMULATOR_CHILD || 'null');

if (child) {
  const pattern = new RegExp(child.pattern);
  const more = new Set(child.hosts.toLowerCase().split(/\s+/).filter(Boolean));
  const ways = { 443: child.https, 80: child.http };
  const connect = net.Socket.prototype.connect;

  const isHubSpot = (host) => {
    if (typeof host !== 'string') return false;
    const name = host.toLowerCase().replace(/\.$/, '');
    return more.has(name) || pattern.test(name);
  };

  const turned = (options) => {
    const way = ways[options.port];
    if (!way) {
      throw new Error(`HubSpot has no port ${options.port}: the simulator stands for 443 and 80`);
    }
    return { ...options, host: way[0], port: way[1] };
  };

  net.Socket.prototype.connect = function (...args) {
    const first = args[0];
    if (Array.isArray(first)) {
      // Node's own form of the arguments, marked by a symbol: the first is an object of options
      if (isHubSpot(first[0].host)) first[0] = turned(first[0]);
    } else if (first !== null && typeof first === 'object') {
      if (isHubSpot(first.host)) args[0] = turned(first);
    } else if (isHubSpot(args[1])) {
      const { host, port } = turned({ host: args[1], port: first });
      args.splice(0, 2, port, host);
    }
    return connect.apply(this, args);
  };
}
