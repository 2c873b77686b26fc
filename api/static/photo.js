// A photo made small enough to send over a weak link: at most 1600 pixels, JPEG, upright.
const LARGEST = 1600;
const MOST_BYTES = 8 * 1024 * 1024;

export async function shrink(file, preview) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return null; // no picture that this browser knows
  }
  const scale = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
  preview.width = Math.max(1, Math.round(bitmap.width * scale));
  preview.height = Math.max(1, Math.round(bitmap.height * scale));
  preview.getContext("2d").drawImage(bitmap, 0, 0, preview.width, preview.height);
  bitmap.close();
  const blob = await new Promise((resolve) => preview.toBlob(resolve, "image/jpeg", 0.85));
  return blob !== null && blob.size <= MOST_BYTES ? blob : null;
}

export function showPhoto(blob, words) {
  const preview = document.getElementById("preview");
  if (!preview) return;
  preview.hidden = blob === null;
  const label = document.getElementById("photo-words");
  label.textContent = blob ? words.photo_there : label.dataset.empty;
}
