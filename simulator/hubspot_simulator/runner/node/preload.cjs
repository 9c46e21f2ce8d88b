'use strict';
// Loaded first in every Node process under `hubspot-simulator run` (NODE_OPTIONS), since Node's clients ignore proxies.
//
// Every connection of Node's modules (http, https, tls, fetch) goes through net.Socket.prototype.connect. This patch
// replaces HubSpot's hosts by the simulator's address there. The name that TLS checks stays the same, and
// NODE_EXTRA_CA_CERTS makes Node trust the simulator's private authority.
const net = require('node:net');

const config = JSON.parse(process.env.HUBSPOT_SIMULATOR_CHILD || 'null');

if (config) {
  const pattern = new RegExp(config.pattern);
  const more = new Set(config.hosts.toLowerCase().split(/\s+/).filter(Boolean));
  const addresses = { 443: config.https, 80: config.http };
  const connect = net.Socket.prototype.connect;

  const isHubSpot = (host) => {
    if (typeof host !== 'string') return false;
    const name = host.toLowerCase().replace(/\.$/, '');
    return more.has(name) || pattern.test(name);
  };

  const redirected = (options) => {
    const address = addresses[options.port];
    if (!address) {
      throw new Error(`the simulator serves HubSpot's hosts on ports 443 and 80 only, not on ${options.port}`);
    }
    return { ...options, host: address[0], port: address[1] };
  };

  net.Socket.prototype.connect = function (...args) {
    const first = args[0];
    if (Array.isArray(first)) {
      // Node's normalized arguments, marked by a symbol: the first element is the options object
      if (isHubSpot(first[0].host)) first[0] = redirected(first[0]);
    } else if (first !== null && typeof first === 'object') {
      if (isHubSpot(first.host)) args[0] = redirected(first);
    } else if (isHubSpot(args[1])) {
      const { host, port } = redirected({ host: args[1], port: first });
      args.splice(0, 2, port, host);
    }
    return connect.apply(this, args);
  };
}
