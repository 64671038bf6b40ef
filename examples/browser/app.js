// The page: puts its parts together.

import { Files } from './files.js';
import { Uploads } from './uploads.js';

const picker = document.querySelector('#picker');
const userSelect = document.querySelector('#user');

const files = new Files();
const limits = { accept: picker.accept, maxSize: Number(picker.dataset.maxSize) || Infinity };
const uploads = new Uploads(limits, (user) => {
  if (user === userSelect.value) files.reload();
});

function showUser() {
  uploads.show(userSelect.value);
  files.show(userSelect.value);
}

userSelect.addEventListener('change', showUser);
showUser();

picker.addEventListener('change', () => {
  uploads.add(picker.files);
  // The same file may be chosen again.
  picker.value = '';
});

// Files are taken wherever they are dropped: beside the zone the browser would leave the page for them.
const hasFiles = (event) => event.dataTransfer?.types.includes('Files');
const highlight = (isOn) => document.body.classList.toggle('dragging', isOn);
addEventListener('dragover', (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  highlight(true);
});
addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) highlight(false);
});
addEventListener('drop', (event) => {
  highlight(false);
  if (!hasFiles(event)) return;
  event.preventDefault();
  uploads.add(event.dataTransfer.files);
});

const showNetwork = () => (document.querySelector('#offline').hidden = navigator.onLine);
addEventListener('online', showNetwork);
addEventListener('offline', showNetwork);
showNetwork();

addEventListener('beforeunload', (event) => {
  if (uploads.areActive) event.preventDefault();
});
