"""Without pytest's fixtures: a unittest.TestCase. ``python -m unittest`` runs it too."""

import time
import unittest
from datetime import timedelta
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from freezegun import freeze_time

from hubspot_simulator import Simulator, SimulatorServer
from pytest_hubspot_auth import FollowingClock


class ExpiryTest(unittest.TestCase):
    def setUp(self):
        self.simulator = Simulator(clock=FollowingClock())  # goes where freezegun goes
        server = SimulatorServer(self.simulator)
        server.start()
        self.addCleanup(server.stop)
        self.url = server.url

    def contacts(self, token):
        request = Request(f"{self.url}/crm/v3/objects/contacts", headers={"Authorization": f"Bearer {token}"})
        with urlopen(request, timeout=10) as answer:
            return answer.status

    def test_the_token_lives_half_an_hour(self):
        with freeze_time() as frozen:
            started = time.time()
            token = self.simulator.install().access_token
            self.assertEqual(self.contacts(token), 200)
            frozen.tick(timedelta(minutes=31))
            self.assertEqual(time.time() - started, 31 * 60)
            with self.assertRaises(HTTPError) as raised:
                self.contacts(token)
        with raised.exception as answer:
            self.assertEqual(answer.code, 401)
            self.assertIn(b"expired 60 second(s) ago", answer.read())


if __name__ == "__main__":
    unittest.main()
