import json
import pathlib
import unittest

import app

EVENT = json.loads(pathlib.Path(__file__).with_name("event.json").read_text())


class Orders(unittest.TestCase):
    def test_the_caller_is_the_one_that_the_authorizer_named(self):
        answer = app.handle(EVENT, None)
        self.assertEqual(answer["statusCode"], 200)
        caller = EVENT["requestContext"]["authorizer"]["lambda"]
        self.assertEqual(json.loads(answer["body"]), {**caller, "orders": []})

    def test_a_request_that_no_authorizer_has_seen_is_not_answered(self):
        request = {**EVENT, "requestContext": {**EVENT["requestContext"], "authorizer": {}}}
        with self.assertRaises(KeyError):
            app.handle(request, None)


if __name__ == "__main__":
    unittest.main()
