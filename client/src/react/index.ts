export type { DialogClassNames, DialogPart } from "./dialog-look.js";
export { SessionKeepAlive, type SessionKeepAliveProps } from "./session-keep-alive.js";
export { SessionProvider, type SessionProviderProps } from "./session-provider.js";
export { SessionTimeoutDialog, type SessionTimeoutDialogProps } from "./session-timeout-dialog.js";
export type { SessionTimeoutLabels } from "./timeout-labels.js";
export { useIdleWarning, type IdleWarning } from "./use-idle-warning.js";
export { useSession, type UsedSession } from "./use-session.js";
