import { run } from "../lambda-runtime.mjs";
import { handler } from "./handler.mjs";

await run(handler);
