// The device record: which companion this profile is paired with, and the key that proves it.
// The key lives in IndexedDB as a CryptoKey that can be used but never read.

/** Device is what a pairing leaves behind, stored as one record. */
export interface Device {
  readonly device: string; // 32 bytes, base64url
  readonly key: CryptoKey; // K, for deriving only
  readonly port: number;
  readonly ledger: string; // default ledger of the companion, origin of an URL
  readonly before?: string; // the device this one replaced, to be retired
}

const DATABASE = "flattr";
const STORE = "devices";
const PRESENT = "present";

let remembered: Device | undefined;

/** loadDevice returns the stored device, or the one of the running browser where nothing can be stored. */
export async function loadDevice(): Promise<Device | undefined> {
  try {
    const stored = await withStore("readonly", (store) => store.get(PRESENT));
    return (stored as Device | undefined) ?? remembered;
  } catch {
    return remembered;
  }
}

/** storeDevice resolves once the record is complete; false when it lives only as long as the browser runs. */
export async function storeDevice(device: Device): Promise<boolean> {
  remembered = device;
  try {
    await withStore("readwrite", (store) => store.put(device, PRESENT));
    return true;
  } catch {
    return false;
  }
}

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("open database"));
  });
}

async function withStore(
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest,
): Promise<unknown> {
  const database = await openDatabase();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode, { durability: "strict" });
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = () => reject(transaction.error ?? new Error("store"));
      transaction.onabort = () => reject(transaction.error ?? new Error("store"));
    });
  } finally {
    database.close();
  }
}
