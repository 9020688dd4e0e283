-- How a tenant's things look and sound where a brief does not say otherwise: a Brand, as JSON.

alter table customs add column brand text;
