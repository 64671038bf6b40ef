// Pictures to upload, drawn by the browser.

const LANDSCAPES = {
  'dawn.jpg': { sky: ['#28365e', '#f2a07b', '#ffe3c2'], hills: ['#5c5470', '#3f3b57', '#25253c'], sun: [0.7, 0.55] },
  'lake.jpg': { sky: ['#4a8fd0', '#cfe8f6'], hills: ['#6f9fb0', '#3f7d83', '#1f5a5a'], sun: [0.25, 0.25] },
  'dunes.jpg': { sky: ['#e8c48d', '#fbeccb'], hills: ['#d99b56', '#bf7b3a', '#9a5a26'], sun: [0.5, 0.3] },
  'night.png': { sky: ['#0a1030', '#263a73'], hills: ['#1c2650', '#121a3c', '#080d22'], sun: [0.8, 0.2] },
};

/** Files for setInputFiles(): name, mimeType and buffer. */
export async function landscapes(context) {
  const page = await context.newPage();
  const files = [];
  for (const [name, scene] of Object.entries(LANDSCAPES)) {
    const mimeType = name.endsWith('.png') ? 'image/png' : 'image/jpeg';
    const base64 = await page.evaluate(draw, { scene, mimeType });
    files.push({ name, mimeType, buffer: Buffer.from(base64, 'base64') });
  }
  await page.close();
  return files;
}

/** Runs in the page. */
function draw({ scene, mimeType }) {
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
  const { width, height } = canvas;
  const pen = canvas.getContext('2d');
  const sky = pen.createLinearGradient(0, 0, 0, height);
  scene.sky.forEach((colour, i) => sky.addColorStop(i / (scene.sky.length - 1), colour));
  pen.fillStyle = sky;
  pen.fillRect(0, 0, width, height);
  pen.fillStyle = '#fffbe8';
  pen.beginPath();
  pen.arc(scene.sun[0] * width, scene.sun[1] * height, 36, 0, 7);
  pen.fill();
  scene.hills.forEach((colour, i) => {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.moveTo(0, height);
    for (let x = 0; x <= width; x += 4) {
      const wave = Math.sin(x / (90 + 25 * i) + 2 * i) * 34 + Math.sin(x / 37 + i) * 9;
      pen.lineTo(x, height * (0.58 + 0.13 * i) - wave);
    }
    pen.lineTo(width, height);
    pen.fill();
  });
  return canvas.toDataURL(mimeType, 0.85).split(',')[1];
}
