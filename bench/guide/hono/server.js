// The guide's backend in JavaScript: Hono and the AWS SDK, in WORKERS processes, on 127.0.0.1:PORT.
import cluster from 'node:cluster';
import { randomUUID } from 'node:crypto';

import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import pg from 'pg';

const bucket = process.env.B2_BUCKET_NAME;
const endpoint = process.env.B2_ENDPOINT_URL;

function makeApp() {
  const store = new S3Client({
    endpoint,
    region: process.env.B2_REGION,
    forcePathStyle: true,
    // Or else the URL is for a body with the checksum of an empty one.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    credentials: {
      accessKeyId: process.env.B2_APPLICATION_KEY_ID,
      secretAccessKey: process.env.B2_APPLICATION_KEY,
    },
  });
  const database = new pg.Pool(); // libpq's variables say where
  const app = new Hono();

  // Where an application finds out who asks.
  app.use(async (context, next) => {
    context.set('userId', 'user_123');
    await next();
  });

  app.onError((error, context) => {
    console.error(error);
    return context.json({ success: false, error: 'failed' }, 500);
  });

  app.post('/presign-b2-upload', async (context) => {
    const { fileName, contentType } = await context.req.json();
    if (!fileName || !contentType) {
      throw new Error('fileName or contentType is missing');
    }
    const objectKey = `${randomUUID()}-${fileName}`;
    const put = new PutObjectCommand({ Bucket: bucket, Key: objectKey, ContentType: contentType });
    return context.json({
      success: true,
      presignedUrl: await getSignedUrl(store, put, { expiresIn: 300 }),
      objectKey,
      publicFileUrl: `${endpoint}/${bucket}/${objectKey}`,
    });
  });

  app.post('/save-b2-metadata', async (context) => {
    const { objectKey, publicFileUrl } = await context.req.json();
    if (!objectKey) {
      throw new Error('objectKey is missing');
    }
    await database.query('INSERT INTO b2_files (object_key, file_url, user_id) VALUES ($1, $2, $3)', [
      objectKey,
      publicFileUrl,
      context.get('userId'),
    ]);
    return context.json({ success: true });
  });

  return app;
}

if (cluster.isPrimary) {
  for (let i = 0; i < Number(process.env.WORKERS); i++) {
    cluster.fork();
  }
  // The one who started it ends it; then the workers end as well.
  process.on('SIGTERM', () => process.exit(0));
} else {
  serve({ fetch: makeApp().fetch, hostname: '127.0.0.1', port: Number(process.env.PORT) });
}
