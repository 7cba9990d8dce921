"""What outlives a job and what both sides share: job records, models, results, settings."""
