"""The operation in Python: verify the access token, read its session, answer."""

import json
import os
import time

import boto3
import jwt

CLIENT = boto3.client("dynamodb")
KEY = jwt.PyJWK.from_json(os.environ["PUBLIC_KEY"])
TABLE = os.environ["SESSION_TABLE"]
EXPECTED = {
    "algorithms": ["EdDSA"],
    "issuer": os.environ["SESSION_ISSUER"],
    "audience": os.environ["SESSION_AUDIENCE"],
    "options": {"require": ["exp", "nbf", "iss", "aud", "sub"]},
}


def handler(event, _context):
    scheme, _, token = event["headers"].get("authorization", "").partition(" ")
    if scheme != "Bearer":
        return answer(401, {"code": "token_invalid"})
    try:
        decoded = jwt.decode_complete(token, KEY, **EXPECTED)
    except jwt.InvalidTokenError:
        return answer(401, {"code": "token_invalid"})
    if decoded["header"].get("typ") != "at+jwt":
        return answer(401, {"code": "token_invalid"})
    claims = decoded["payload"]
    key = {"pk": {"S": f"U#{claims['sub']}"}, "sk": {"S": f"S#{claims['sid']}"}}
    item = CLIENT.get_item(TableName=TABLE, Key=key, ConsistentRead=True).get("Item")
    now = time.time_ns() // 1_000_000
    if item is None or item["status"]["S"] != "active":
        return answer(401, {"code": "session_ended"})
    idle, absolute = (int(item[name]["N"]) - now for name in ("idle_limit", "absolute_limit"))
    if idle < 0 or absolute < 0:
        return answer(401, {"code": "session_ended"})
    session = {"id": claims["sid"], "idleExpiresInMs": idle, "absoluteExpiresInMs": absolute}
    return answer(200, {"session": session})


def answer(status, body):
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}
