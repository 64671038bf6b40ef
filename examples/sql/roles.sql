-- For the scripts of PostgREST: the roles of users and of those who are not signed in, unless they are given.
\if :{?user_role}
\else
  \set user_role web_user
\endif
\if :{?anon_role}
\else
  \set anon_role web_anon
\endif
