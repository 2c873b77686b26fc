// What the server asks or refuses, in a box with big buttons.
import { numberText } from "./show.js";

const language = document.documentElement.lang;
const box = document.getElementById("ask");

export function button(text, quiet, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = quiet ? "button quiet" : "button";
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}

export function closeBox() {
  box.hidden = true;
  box.closest("form").classList.remove("asking");
}

// "1.2340" is how the decimal number is written so that it means one thing only
function choiceText(choice) {
  const decimals = choice.split(".")[1] ?? "";
  return numberText(Number(choice), decimals.length === 4 && decimals.endsWith("0") ? 3 : decimals.length, language);
}

// chosen(channel, text), confirmed(keys) and changed(channel) are what the buttons do
export function showBox(findings, words, { chosen, confirmed, changed }) {
  box.replaceChildren();
  const refused = findings.some((finding) => finding.refused !== false);
  box.classList.toggle("bad", refused);
  for (const finding of findings) box.appendChild(document.createElement("p")).textContent = finding[language];
  const actions = box.appendChild(document.createElement("div"));
  actions.className = "actions";
  const add = (text, quiet, act) =>
    actions.append(
      button(text, quiet, () => {
        closeBox();
        act();
      }),
    );
  const unclear = findings.find((finding) => finding.choices?.length);
  if (!refused && unclear) {
    for (const choice of unclear.choices) add(choiceText(choice), false, () => chosen(unclear.channel, choice));
  } else if (!refused) {
    add(words.yes_save, false, () => confirmed(findings.map((finding) => finding.key)));
  }
  add(words.change, true, () => changed(findings[0].channel));
  box.hidden = false;
  box.closest("form").classList.add("asking");
  box.scrollIntoView({ block: "center" });
}
