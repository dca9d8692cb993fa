// The one part of the browser's extension interface that units need: the words, read from _locales as the browser does.
import { readFileSync } from "node:fs";

/** Messages is a locale's file. */
export type Messages = Readonly<Record<string, { readonly message: string; readonly description?: string }>>;

/** readMessages reads a locale. */
export function readMessages(locale: string): Messages {
  const file = new URL(`../../static/_locales/${locale}/messages.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as Messages;
}

/** speak makes a locale the browser's. */
export function speak(locale: string): void {
  const messages = readMessages(locale);
  const getMessage = (key: string, substitutions: readonly string[] = []): string => {
    if (key === "@@bidi_dir") return "ltr";
    return (messages[key]?.message ?? "").replaceAll(
      /\$([1-9])/g,
      (_, digit: string) => substitutions[Number(digit) - 1] ?? "",
    );
  };
  i18n.getMessage = getMessage;
  i18n.getUILanguage = () => locale;
}

const i18n = {
  getMessage: (_key: string, _substitutions?: readonly string[]) => "",
  getUILanguage: () => "en",
};
Object.assign(globalThis, { chrome: { i18n, runtime: { id: "test" } } });
speak("en");
