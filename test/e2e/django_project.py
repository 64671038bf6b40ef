"""A Django project with the code of docs/frameworks.md, run as a program of its own:
django_project.py DIRECTORY DATABASE COMMAND [ARGUMENT...]

COMMAND is one of Django's, or `flow`: a file's way through the page's functions, which prints what
the test looks at, as JSON."""

import json
import os
import sys
from types import SimpleNamespace

import django
from django.conf import settings
from django.core.management import call_command
from http_request import get, put

BODY = b"from Django"


def configure(directory, database):
    sys.path.insert(0, directory)
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": database,
                "HOST": os.environ["PGHOST"],
                "PORT": os.environ["PGPORT"],
                "USER": os.environ["PGUSER"],
            }
        },
        INSTALLED_APPS=["gallery"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()


def flow():
    from django.db.models import ProtectedError
    from gallery import files
    from gallery.models import B2File, Photo

    upload = files.presign_upload("user_1", "photo.txt", "text/plain", len(BODY))
    status = put(SimpleNamespace(**upload), BODY).status
    file_id = files.register_upload("user_1", upload["object_key"])
    photo = Photo.objects.create(title="one", file_id=file_id)
    (listed,) = files.with_links(B2File.objects.filter(photo__title="one", user_id="user_1"))
    body = get(listed.link).body
    try:
        listed.delete()
        is_protected = False
    except ProtectedError:
        is_protected = True
    photo.delete()
    listed.delete()
    files.maintain()
    print(
        json.dumps(
            {
                "put": status,
                "size": listed.size,
                "metadata": listed.metadata,
                "body": body.decode(),
                "is_protected": is_protected,
                "after": get(listed.link).status,
            }
        )
    )


if __name__ == "__main__":
    directory, database, command, *arguments = sys.argv[1:]
    configure(directory, database)
    flow() if command == "flow" else call_command(command, *arguments)
