export { createSessionClient } from "./create-session-client.js";
export { systemClock, workerSources, type Clock, type TimerWorker } from "./clock.js";
export type {
  ClientErrorCode,
  Credential,
  EndReason,
  ErrorCode,
  KnownEndReason,
  KnownErrorCode,
  Limit,
  ListedSession,
  ServerErrorCode,
  SessionBody,
  SessionPolicy,
  WarningReason,
} from "./contract.js";
export { createDrafts, type Drafts } from "./drafts.js";
export type { Environment, PageEvents, TabChannel } from "./environment.js";
export type { Explanation, FlightEntry } from "./recorder.js";
export type {
  ConnectOptions,
  EndedSession,
  SessionClient,
  SessionClientOptions,
  SessionEvents,
  SessionInfo,
  SessionState,
} from "./session-client.js";
export { SessionError, type ErrorDetails } from "./session-error.js";
export type { SharedStorage } from "./store.js";
export type { Route } from "./verdict.js";
