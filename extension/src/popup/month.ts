// The part of the popup about money: budget, clicks, and what a click is worth now. A preview looks like one.
import type { Overview } from "../messages";
import { amount, daysLeft } from "../money";
import { byID, make } from "../page";
import type { MonthSummary } from "../wire.gen";
import { language, monthName, plural, text } from "../words";

/** showMonth shows the running month, and in the grace the ended one below it. */
export function showMonth({ status }: Overview, nowMs: number): void {
  const section = byID("month");
  section.hidden = status?.account === undefined || status.months.length === 0;
  section.replaceChildren();
  for (const [index, month] of (status?.months ?? []).entries())
    section.append(...monthOf(month, index === 0, nowMs));
}

function monthOf(month: MonthSummary, running: boolean, nowMs: number): HTMLElement[] {
  const name = monthName(month.month);
  const figures = make("dl", "figures");
  add(figures, "budget", text("budget"), amount(month.budgetMicro, language()));
  add(figures, "clicks", text("clicks"), new Intl.NumberFormat(language()).format(month.clicks));
  if (running) for (const shown of figures.querySelectorAll("dd")) shown.id = shown.dataset["field"] ?? "";
  const share = month.clicks === 0 ? text("noClicksYet") : amount(month.shareMicro, language());
  add(figures, "share", text("share"), share).classList.add("preview");
  figures.append(make("dd", "quiet preview-note", text("shareNow")));
  if (running) add(figures, "days", text("daysLeft"), String(daysLeft(month.month, nowMs)));
  figures.dataset["month"] = month.month;
  const parts: HTMLElement[] = [make("h2", "", name), figures];
  if (!running) parts.push(make("p", "quiet", text("grace", name)));
  if (month.promises > 0) parts.push(make("p", "quiet", plural("promises", month.promises)));
  return parts;
}

function add(list: HTMLElement, name: string, label: string, value: string): HTMLElement {
  const shown = make("dd", "amount", value);
  shown.dataset["field"] = name;
  list.append(make("dt", "", label), shown);
  return shown;
}
