"""The rule of docs/cors.md, in S3's words."""


def cors_rule(origin):
    return {
        "AllowedOrigins": [origin],
        "AllowedMethods": ["PUT", "GET", "HEAD"],
        "AllowedHeaders": ["content-type", "content-md5"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 3600,
    }
