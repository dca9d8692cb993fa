// When to read places in a page: a page that has changed is laid out for whoever asks, and once more for its frame.

/**
 * atLayout calls back in the next frame, when it has been laid out: to read there costs nothing, to write is not allowed.
 * What it returns gives that up: a frame that is out of sight is not laid out, and would gather what waits.
 */
export function atLayout(signal: AbortSignal, read: () => void): () => void {
  const observer = new ResizeObserver(() => {
    observer.disconnect();
    if (!signal.aborted) read();
  });
  const top: Element | null = document.documentElement; // a page can take it out
  if (top !== null) observer.observe(top);
  return () => observer.disconnect();
}

/**
 * afterLayout makes what asks for a call in a task of its own right after that; what is written there is no part of the
 * page's frame. Asked again before, it waits for the later frame only.
 */
export function afterLayout(signal: AbortSignal, then: () => void): () => void {
  let giveUp = (): void => {};
  return () => {
    giveUp();
    giveUp = atLayout(signal, () => setTimeout(() => signal.aborted || then()));
  };
}
