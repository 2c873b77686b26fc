// The strip of alarms, kept fresh while the page stays open.
const strip = document.getElementById("alarms");

/** What stands changes seldom: looked at again while the page stays open. */
async function refreshAlarms() {
  try {
    const answer = await fetch(`/alarms?lang=${document.documentElement.lang}`);
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    strip.replaceChildren(...fresh.body.childNodes);
  } catch {
    // the lost connection has a banner of its own
  }
}

setInterval(refreshAlarms, 20_000);
