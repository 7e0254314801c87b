// The operation with express-session: check the cookie's signature, read its session, answer. The session is touched,
// as the library does in every request.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import connectDynamoDB from "connect-dynamodb";
import express from "express";
import session from "express-session";
import serverless from "serverless-http";

const DynamoDBStore = connectDynamoDB({ session });
const store = new DynamoDBStore({ table: process.env.EXPRESS_TABLE, client: new DynamoDBClient(), initialized: true });
const app = express();
app.use(
  session({
    store,
    secret: process.env.EXPRESS_SECRET,
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: 8 * 60 * 60 * 1000 },
  }),
);
app.post("/connect", (request, response) => {
  request.session.user = "guest";
  response.status(201).json({});
});
app.post("/validate-session", (request, response) => {
  if (!request.session.user) return response.status(401).json({ code: "session_ended" });
  return response.json({ session: { idleExpiresInMs: request.session.cookie.maxAge } });
});

export const handler = serverless(app);
