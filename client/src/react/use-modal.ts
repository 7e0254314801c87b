import { useRef, type RefObject } from "react";
import { useBrowserLayoutEffect } from "./browser-layout-effect.js";

/**
 * Opens a `<dialog>` as a modal one while `occasion` is not `null`, anew for each occasion, so that a screen reader reads
 * what it is about now. The focus goes to `first`, and back to where it was.
 */
export function useModal(
  dialog: RefObject<HTMLDialogElement | null>,
  first: RefObject<HTMLElement | null>,
  occasion: string | null,
): void {
  const before = useRef<Element | null>(null);
  useBrowserLayoutEffect(() => {
    const element = dialog.current;
    if (!element || occasion === null) return undefined;
    // Between two occasions React gives the focus back to what had it, a button of this dialog.
    if (!element.contains(document.activeElement)) before.current = document.activeElement;
    element.showModal();
    first.current?.focus();
    return () => {
      element.close();
      // Some browsers do not, or not if the dialog is about to be removed.
      if (before.current instanceof HTMLElement) before.current.focus({ preventScroll: true });
    };
  }, [dialog, first, occasion]);
}
