"""State that outlives a job, and that service and workers share: job records, models, results, settings."""
