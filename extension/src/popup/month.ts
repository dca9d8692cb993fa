// The part of the popup about money: budget, clicks, and what a click is worth now. A preview looks like one.
import type { Overview } from "../messages";
import { amount, daysLeft } from "../money";
import { byID, make } from "../page";
import type { MonthSummary } from "../wire.gen";
import { language, momentOf, monthName, plural, text } from "../words";

/** showMonth shows the running month, and in the grace the ended one below it. */
export function showMonth({ status, link }: Overview, nowMs: number): void {
  const section = byID("month");
  section.hidden = status?.account === undefined || status.months.length === 0;
  section.replaceChildren();
  if (status === undefined) return;
  for (const [index, month] of status.months.entries()) {
    section.append(...monthOf(month, index === 0, nowMs));
  }
  section.querySelector("dl")?.append(...pair("means", text("means"), amount(status.meansMicro, language())));
  if (link !== "up" && status.lastSync !== undefined) {
    section.append(make("p", "quiet", text("asOf", momentOf(status.lastSync))));
  }
}

function monthOf(month: MonthSummary, running: boolean, nowMs: number): HTMLElement[] {
  const name = monthName(month.month);
  const figures = make("dl", "figures");
  figures.dataset["month"] = month.month;
  const clicks = new Intl.NumberFormat(language()).format(month.clicks);
  const share = month.clicks === 0 ? text("noClicksYet") : amount(month.shareMicro, language());
  const [label, preview] = pair("share", text("share"), share);
  if (month.clicks > 0) preview.classList.add("preview");
  figures.append(...pair("budget", text("budget"), amount(month.budgetMicro, language())));
  figures.append(...pair("clicks", text("clicks"), clicks), label, preview);
  if (month.clicks > 0) figures.append(make("dd", "quiet preview-note", text("shareNow")));
  if (running) figures.append(...pair("days", text("daysLeft"), String(daysLeft(month.month, nowMs))));
  if (running)
    for (const shown of figures.querySelectorAll("dd"))
      if (shown.dataset["field"] !== undefined) shown.id = shown.dataset["field"];
  const parts: HTMLElement[] = [make("h2", "", name), figures];
  if (!running) parts.push(make("p", "quiet", text("grace", name)));
  if (month.promises > 0) parts.push(make("p", "quiet", plural("promises", month.promises)));
  return parts;
}

function pair(name: string, label: string, value: string): [HTMLElement, HTMLElement] {
  const shown = make("dd", "amount", value);
  shown.dataset["field"] = name;
  return [make("dt", "", label), shown];
}
