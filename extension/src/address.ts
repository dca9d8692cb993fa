// Reading addresses without exceptions: URL.parse is younger than the browsers we serve.

/** parseAddress resolves an address against a base; undefined when it is none. */
export function parseAddress(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}
