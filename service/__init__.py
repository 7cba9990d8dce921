"""The HTTP face: routes, uploads, the job queue and the sweeper that keeps its promises."""
