import type { ConnectOptions, SessionClient, SessionInfo, SessionPolicy } from "../src/index.js";
import { element, part, say } from "./element.js";
import { failureWords } from "./words.js";

/** Kinds that this page can ask for, and their fields in index.html. */
const KINDS = ["guest", "password", "connectionString"] as const;
type Kind = (typeof KINDS)[number];

const NAMES: Record<Kind, string> = {
  guest: "As a guest",
  password: "With a password",
  connectionString: "With a database login",
};

/** The browser and the system, as far as a person would name them. */
function deviceLabel(): string {
  const agent = navigator.userAgent;
  const browser = ["Firefox", "Edg", "Chrome", "Safari"].find((name) => agent.includes(`${name}/`)) ?? "Browser";
  const system = ["Android", "iPhone", "Windows", "Mac", "Linux"].find((name) => agent.includes(name));
  return `${browser === "Edg" ? "Edge" : browser}${system ? ` on ${system}` : ""}`;
}

/** The form that opens a session. Shows the kinds of credential that the service takes. */
export function createConnectForm(client: SessionClient): void {
  const panel = part("connect", HTMLElement);
  const form = part("connect-form", HTMLFormElement);
  const choices = part("kinds", HTMLDivElement);
  const remember = part("remember", HTMLInputElement);
  const username = part("username", HTMLInputElement);
  const password = part("password", HTMLInputElement);
  const connectionString = part("connection-string", HTMLInputElement);
  const register = part("register", HTMLButtonElement);
  const error = part("connect-error", HTMLParagraphElement);
  const stateTitle = part("state-title", HTMLHeadingElement);
  const sections = [...form.querySelectorAll<HTMLElement>("[data-for]")];
  let kind: Kind = "guest";

  /** Fields out of sight must neither be filled in nor be required. */
  function choose(chosen: Kind): void {
    kind = chosen;
    say(error, "");
    for (const section of sections) {
      const shown = (section.dataset["for"] ?? "").split(" ").includes(kind);
      section.hidden = !shown;
      for (const input of section.querySelectorAll("input")) input.disabled = !shown;
    }
  }

  function offer({ credentials }: SessionPolicy): void {
    const offered = KINDS.filter((one) => credentials.includes(one));
    if (!offered.includes(kind)) kind = offered[0] ?? "guest";
    choices.replaceChildren(
      ...offered.map((one) => {
        const radio = element("input", { type: "radio", name: "kind", value: one });
        radio.checked = one === kind;
        radio.addEventListener("change", () => choose(one));
        return element("label", {}, radio, element("span", {}, NAMES[one]));
      }),
    );
    choose(kind);
    if (offered.length === 0) say(error, "The service takes none of the credentials that this page can ask for.");
  }

  function open(registers: boolean): Promise<SessionInfo> {
    const options: ConnectOptions = { remember: kind !== "guest" && remember.checked, label: deviceLabel() };
    if (registers) return client.register(username.value, password.value, options);
    if (kind === "guest") return client.connect({ kind }, options);
    if (kind === "password") return client.connect({ kind, username: username.value, password: password.value }, options);
    return client.connect({ kind, connectionString: connectionString.value }, options);
  }

  async function submit(registers: boolean): Promise<void> {
    say(error, "");
    form.setAttribute("aria-busy", "true");
    try {
      await open(registers);
      password.value = connectionString.value = "";
      // The form is gone, and the keyboard's focus would be with it.
      stateTitle.focus();
    } catch (failure) {
      say(error, failureWords(failure));
    } finally {
      form.removeAttribute("aria-busy");
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    void submit(event.submitter === register);
  });

  function show(): void {
    const { status } = client.getSnapshot();
    const opening = status === "connecting" && form.getAttribute("aria-busy") === "true";
    panel.hidden = !(status === "anonymous" || status === "ended" || opening);
  }

  client.on("policy", offer);
  client.subscribe(show);
  offer(client.policy());
  show();
}
