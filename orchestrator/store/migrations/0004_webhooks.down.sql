drop table webhook_lanes;
drop table webhook_attempts;
drop table webhook_deliveries;
drop table webhook_messages;
drop table webhook_callbacks;
drop table webhook_endpoints;
