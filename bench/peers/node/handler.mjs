// The operation in Node: verify the access token, read its session, answer.
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { errors, importJWK, jwtVerify } from "jose";

const { PUBLIC_KEY, SESSION_ISSUER, SESSION_AUDIENCE, SESSION_TABLE } = process.env;
const client = new DynamoDBClient();
const key = await importJWK(JSON.parse(PUBLIC_KEY), "EdDSA");
const expected = { algorithms: ["EdDSA"], typ: "at+jwt", issuer: SESSION_ISSUER, audience: SESSION_AUDIENCE };

export async function handler(event) {
  const token = /^Bearer (.+)$/.exec(event.headers.authorization ?? "")?.[1];
  if (!token) return answer(401, { code: "token_invalid" });
  let claims;
  try {
    claims = (await jwtVerify(token, key, expected)).payload;
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    return answer(401, { code: "token_invalid" });
  }
  const Key = { pk: { S: `U#${claims.sub}` }, sk: { S: `S#${claims.sid}` } };
  const { Item } = await client.send(new GetItemCommand({ TableName: SESSION_TABLE, Key, ConsistentRead: true }));
  const now = Date.now();
  const idle = Number(Item?.idle_limit?.N) - now;
  const absolute = Number(Item?.absolute_limit?.N) - now;
  if (Item?.status?.S !== "active" || !(idle >= 0 && absolute >= 0)) return answer(401, { code: "session_ended" });
  return answer(200, { session: { id: claims.sid, idleExpiresInMs: idle, absoluteExpiresInMs: absolute } });
}

function answer(statusCode, body) {
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  return { statusCode, headers, body: JSON.stringify(body) };
}
