// What the manifest promises: each permission argued, no warning at install, one place to connect to, known ids.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const folder = new URL("../../", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), "utf8");

interface Manifest {
  readonly permissions: readonly string[];
  readonly optional_permissions: readonly string[];
  readonly optional_host_permissions: readonly string[];
  readonly content_security_policy: { readonly extension_pages: string };
  readonly browser_specific_settings: { readonly gecko: { readonly id: string } };
  readonly [key: string]: unknown;
}

const manifest = JSON.parse(read("static/manifest.json")) as Manifest;
const argued = read("PERMISSIONS.md");

describe("manifest", () => {
  const asked = [
    ...manifest.permissions,
    ...manifest.optional_permissions,
    ...manifest.optional_host_permissions,
  ];

  it.each(asked)("%s is argued in PERMISSIONS.md", (permission) => {
    const headings = argued.split("\n").filter((line) => line.startsWith("### "));
    expect(headings.some((line) => line.includes(`\`${permission}\``))).toBe(true);
  });

  it("argues nothing that is not asked", () => {
    const named = argued
      .split("\n")
      .filter((line) => line.startsWith("### "))
      .flatMap((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
    expect(named.sort()).toEqual([...asked].sort());
  });

  it("asks for no page at install, and lets no page see its files", () => {
    for (const key of [
      "host_permissions",
      "content_scripts",
      "web_accessible_resources",
      "externally_connectable",
    ]) {
      expect(manifest[key], key).toBeUndefined();
    }
    expect(manifest["incognito"]).toBe("not_allowed");
  });

  it("connects to this machine only", () => {
    expect(manifest.content_security_policy.extension_pages).toBe(
      "default-src 'self'; script-src 'self'; object-src 'none'; connect-src ws://127.0.0.1:*",
    );
  });

  it("declares to Firefox the data that PERMISSIONS.md names, and none as optional", () => {
    const { gecko } = manifest.browser_specific_settings as {
      gecko: { data_collection_permissions?: { required?: string[]; optional?: string[] } };
    };
    const declared = gecko.data_collection_permissions?.required ?? [];
    const named = [...argued.matchAll(/^\|[^|]*\| `(\w+)`, required /gm)].map(([, name]) => name);
    expect(named.length).toBe(3);
    expect([...declared].sort()).toEqual(named.sort());
    expect(gecko.data_collection_permissions?.optional).toBeUndefined();
  });

  it("runs only where its style sheets do: light-dark() came with Chromium 123", () => {
    expect(read("static/look.css")).toContain("light-dark(");
    expect(Number(manifest["minimum_chrome_version"])).toBeGreaterThanOrEqual(123);
  });

  it("has the ids that the companion trusts", () => {
    const ids = JSON.parse(read("ids.json")) as { chrome: string[]; firefox: string };
    expect(ids.firefox).toBe(manifest.browser_specific_settings.gecko.id);
    for (const id of ids.chrome) expect(id).toMatch(/^[a-p]{32}$/);
  });
});
