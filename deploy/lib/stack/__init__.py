"""deploy/up, deploy/down and deploy/status: PriceWatch and its servers on one machine, under one supervisor."""
