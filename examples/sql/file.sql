-- For the other scripts: of the file to upload its name and size, and where to download it to.
\if :{?file}
\else
  DO $$ BEGIN RAISE 'Say which file: -v file=cat.png'; END $$;
\endif
\setenv FILE :file
\set is_there `test -f "$FILE" && echo yes || echo no`
\if :is_there
\else
  DO $$ BEGIN RAISE 'There is no such file'; END $$;
\endif
\set name `basename -- "$FILE"`
\set size `wc -c < "$FILE"`
\if :{?download}
\else
  \set download downloaded- :name
\endif
\setenv DOWNLOAD :download
