/** What may be put into an element; text is never taken for markup. */
type Child = Node | string;

function fill<E extends Element>(target: E, attributes: Readonly<Record<string, string>>, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(attributes)) target.setAttribute(name, value);
  target.append(...children);
  return target;
}

/** Makes an HTML element. */
export const element = <Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] => fill(document.createElement(tag), attributes, children);

/** Makes an SVG element. */
export const drawn = <Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Tag] => {
  const texts = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)]));
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), texts, children);
};

/** Finds what index.html promises. */
export function part<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`index.html has no ${kind.name} #${id}`);
  return found;
}

/** Writes only what differs, so that nothing is announced or selected anew without need. */
export function say(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** Runs a task for each click; the button is out of use until it is done. */
export function onClick(button: HTMLButtonElement, task: () => Promise<void>): void {
  button.addEventListener("click", () => {
    // Not `disabled`: that would take the keyboard's focus away.
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    void task().finally(() => button.removeAttribute("aria-disabled"));
  });
}
