alter table customs drop column brand;
