"""What survives: jobs, orders, budgets and outcomes, in tables with rules of their own."""
