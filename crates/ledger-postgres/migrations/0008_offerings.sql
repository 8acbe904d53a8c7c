-- What is shown to be sold together: packages, each of a product in every store. `body` is JSON.
create table offerings (project uuid not null references projects, key text not null, body text not null, primary key (project, key));
