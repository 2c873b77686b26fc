// Entries that wait in the phone: kept in IndexedDB until the server has them; each is sent until it counts once.
const NAME = "dodac-entries";
const STORE = "entries";
let opened;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  return opened;
}

async function run(mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, mode, mode === "readwrite" ? { durability: "strict" } : {});
    const asked = work(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(asked?.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

export const keep = (entry) => run("readwrite", (store) => store.put(entry));
export const forget = (id) => run("readwrite", (store) => store.delete(id));
export const one = (id) => run("readonly", (store) => store.get(id));
export const all = async () => (await run("readonly", (store) => store.getAll())).sort((a, b) => a.made - b.made);

export function newId() {
  // crypto.randomUUID is for https pages only
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// What became of an entry: "stored", "waiting" (the server has it), "ask", "refused", or "phone" with the reason.
export async function send(entry) {
  try {
    if (entry.photo && !entry.body.photo) {
      const kept = await fetch("/api/photos", { method: "PUT", body: entry.photo, signal: AbortSignal.timeout(60_000) });
      if (kept.status === 413 || kept.status === 415) return marked(entry, "refused", [{ vi: "Ảnh không dùng được.", en: "The photo can't be used." }]);
      if (!kept.ok) return { state: "phone", status: kept.status };
      entry.body.photo = (await kept.json()).sha256;
      await keep(entry);
    }
    const answer = await fetch(`/api/forms/${encodeURIComponent(entry.instrument)}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(entry.body),
      signal: AbortSignal.timeout(20_000),
    });
    if (answer.status === 201 || answer.status === 202) {
      await forget(entry.id);
      return { state: (await answer.json()).state };
    }
    const told = await answer.json();
    if (answer.status === 409 || (answer.status === 422 && told.findings)) return marked(entry, told.state, told.findings);
    // what the server will never take; 401, 403 and 5xx pass
    if ([400, 404, 413, 415, 422].includes(answer.status)) {
      return marked(entry, "refused", [{ vi: told.detail, en: told.detail }]);
    }
    return { state: "phone", status: answer.status };
  } catch {
    return { state: "phone", status: 0 };
  }
}

async function marked(entry, state, findings) {
  entry.state = state;
  entry.findings = findings;
  await keep(entry);
  return { state, findings };
}

let sending = false;

// Sends everything that waits, one after the other; told is called after each that changed.
export async function sendAll(told) {
  if (sending) return;
  sending = true;
  try {
    for (const entry of await all()) {
      if (entry.state !== "waiting") continue;
      const result = await send(entry);
      if (result.state === "phone") {
        told(entry, result);
        break;
      }
      told(entry, result);
    }
  } finally {
    sending = false;
  }
}
