// When to read places in a page: a page that has changed is laid out for whoever asks, and once more for its frame.

/** afterLayout calls back in a task of its own, right after the next frame has been laid out; in a page that is not shown, when it is. */
export function afterLayout(signal: AbortSignal, then: () => void): void {
  const observer = new ResizeObserver(() => {
    observer.disconnect();
    // What was changed in here would be laid out again within the frame, and told to the page as an error.
    setTimeout(() => signal.aborted || then());
  });
  const top: Element | null = document.documentElement; // a page can take it out
  if (top !== null) observer.observe(top);
}
