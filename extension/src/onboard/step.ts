// A step of the onboarding page: its state stands on its section and decides which of its parts are seen.
import { byID, setWords } from "../page";

/** StepState says where a step stands: `ask` waits for the reader's yes, `blocked` for the step before. */
export type StepState = "todo" | "blocked" | "busy" | "ask" | "failed" | "done";

/** setStep shows a step's state and what is to be said about it. */
export function setStep(id: string, state: StepState, words: string): void {
  const section = byID(id);
  section.dataset["state"] = state;
  const said = section.querySelector<HTMLElement>(".said");
  if (said !== null) setWords(said, words);
  for (const part of section.querySelectorAll<HTMLElement>("[data-when]")) {
    part.hidden = part.dataset["when"]?.split(" ").includes(state) !== true;
  }
}

/** stepState is the state a step shows now. */
export function stepState(id: string): StepState {
  return byID(id).dataset["state"] as StepState;
}
