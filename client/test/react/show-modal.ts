/**
 * jsdom has `<dialog>` without the methods that open and close it. These keep `open`, refuse what a browser refuses, and
 * fire `close`: later, as browsers do. No focus, no top layer, no Escape: those need a real browser.
 */
export function provideShowModal(): void {
  HTMLDialogElement.prototype.showModal = function (this: HTMLDialogElement): void {
    if (this.open || !this.isConnected) throw new DOMException("cannot be opened", "InvalidStateError");
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function (this: HTMLDialogElement): void {
    if (!this.open) return;
    this.open = false;
    queueMicrotask(() => this.dispatchEvent(new Event("close")));
  };
}
