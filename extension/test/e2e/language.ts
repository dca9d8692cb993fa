// The extension in a language that the browser itself may not have.
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/** Language is one of those that the extension speaks. */
export type Language = "en" | "de";

/** inLanguage is a copy of a built extension below folder that has no words but those of one language. */
export function inLanguage(language: Language, extension: string, folder: string): string {
  const copy = path.join(folder, `extension-${language}`);
  cpSync(extension, copy, { recursive: true });
  for (const other of ["en", "de"]) {
    if (other !== language) rmSync(path.join(copy, "_locales", other), { recursive: true });
  }
  const file = path.join(copy, "manifest.json");
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...manifest, default_locale: language }));
  return copy;
}
