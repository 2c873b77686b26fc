// What the server asks or refuses, in a box with big buttons.
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

// thousands are not parted here: beside 12,345 it must be plain that 12345 is the other one
function choiceText(choice) {
  const [whole, decimals = ""] = choice.split(".");
  // "1.2340" is how the decimal number is written so that it means one thing only
  const told = decimals.length === 4 && decimals.endsWith("0") ? decimals.slice(0, 3) : decimals;
  return told ? `${whole}${language === "vi" ? "," : "."}${told}` : whole;
}

// chosen(channel, text), confirmed(keys) and changed(channel) are what the buttons do
export function showBox(findings, words, { chosen, confirmed, changed }) {
  box.replaceChildren();
  const refused = findings.some((finding) => finding.refused !== false);
  box.classList.toggle("bad", refused);
  const unclear = refused ? null : findings.find((finding) => finding.choices?.length);
  // one thing at a time: the rest is asked once it is clear which number is meant
  for (const finding of unclear ? [unclear] : findings) box.appendChild(document.createElement("p")).textContent = finding[language];
  const actions = box.appendChild(document.createElement("div"));
  actions.className = "actions";
  const add = (text, quiet, act) =>
    actions.append(
      button(text, quiet, () => {
        closeBox();
        act();
      }),
    );
  if (unclear) {
    for (const choice of unclear.choices) add(choiceText(choice), false, () => chosen(unclear.channel, choice));
  } else if (!refused) {
    add(words.yes_save, false, () => confirmed(findings.map((finding) => finding.key)));
  }
  add(words.change, true, () => changed((unclear ?? findings[0]).channel));
  box.hidden = false;
  box.closest("form").classList.add("asking");
  box.scrollIntoView({ block: "center" });
}
