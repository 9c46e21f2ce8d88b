"""Use the simulator in a unittest.TestCase, without fixtures. ``python -m unittest`` runs it too."""

import time
import unittest
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from pytest_hubspot_auth import hubspot_simulation


@hubspot_simulation()
class ExpiryTest(unittest.TestCase):
    def contacts(self, token):
        request = Request(f"{self.sim.url}/crm/v3/objects/contacts", headers={"Authorization": f"Bearer {token}"})
        with urlopen(request, timeout=10) as answer:
            return answer.status

    def test_the_token_expires_after_half_an_hour(self):
        started = time.time()
        token = self.sim.installation.access_token
        self.assertEqual(self.contacts(token), 200)
        self.sim.clock.advance(minutes=31)
        self.assertEqual(time.time() - started, 31 * 60)
        with self.assertRaises(HTTPError) as raised:
            self.contacts(token)
        with raised.exception as answer:
            self.assertEqual(answer.code, 401)
            self.assertIn(b"expired 60 second(s) ago", answer.read())

    @hubspot_simulation(token_ttl=60)  # a separate simulator for this test
    def test_a_short_lifetime(self, sim):
        token = sim.installation.access_token
        sim.clock.advance(seconds=61)
        with self.assertRaises(HTTPError) as raised:
            urlopen(Request(f"{sim.url}/crm/v3/objects/contacts", headers={"Authorization": f"Bearer {token}"}))
        raised.exception.close()


if __name__ == "__main__":
    unittest.main()
