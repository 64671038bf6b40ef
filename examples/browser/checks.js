// What the page can tell of a file by itself, before anybody is asked.

import { formatBytes } from './format.js';

/** Whether `file` is one of those that an input's attribute "accept" lists: .png, image/*, image/png. */
function isAccepted(file, accept) {
  const patterns = accept.toLowerCase().split(',').map((pattern) => pattern.trim()).filter(Boolean);
  const type = file.type.toLowerCase();
  return !patterns.length || patterns.some((pattern) => {
    if (pattern.startsWith('.')) return file.name.toLowerCase().endsWith(pattern);
    if (pattern.endsWith('/*')) return type.startsWith(pattern.slice(0, -1));
    return type === pattern;
  });
}

/** Why the file cannot be uploaded, or null. Dropped files pass by what the input itself would check. */
export function objection(file, { accept, maxSize }) {
  if (!isAccepted(file, accept)) {
    return `Files of the type ${file.type || 'unknown'} cannot be uploaded here, only ${accept}.`;
  }
  if (file.size > maxSize) {
    return `The file is too large: it has ${formatBytes(file.size)}, and the most is ${formatBytes(maxSize)}.`;
  }
  return null;
}

/** Browsers refuse to read a file that is not as it was when it was chosen, and a folder. */
export async function canBeRead(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
