# What `vulture` takes for dead because nothing here calls it by its name, and who does.
_.__signature__  # cli.request_options: typer reads the command's options from it
_.href, _.jobID, _.processID, _.numberMatched  # service.schemas: fields of the JSON that clients read
_.false_colour_png, _.images_only  # the same
_.tempdir  # service.reading.child: tempfile reads it
_.compress_type  # service.archives: zipfile reads it
__getattr__  # unmixing, unmixing_client: Python calls it for `from unmixing import unmix`
_.refresh, _.to_xarray  # unmixing_client, unmixing.io.products.notebook: for those who use them
_._repr_html_  # unmixing.io.products.notebook: notebooks call it
_.log_severity_level, _.intra_op_num_threads, _.graph_optimization_level  # options that ONNX Runtime reads
_.only_execute_path_to_fetches  # the same
open_envi, open_geotiff, is_product, MAT_V5, MAT_V73, HDF5, read_table  # unmixing.io.formats.table names them in texts
ZARR  # the same
OpenScene, ReadArray  # unmixing.io.formats.format: types, quoted because they are for the checker alone
error_type  # unmixing.io.formats.reader: the first argument of __exit__
_.format_version  # unmixing.manifest: read from and written to the model's file
max_connection_wait_time  # worker.forking: RQ reads it
request_force_stop, signum  # worker.forking: RQ calls it on a second signal
_.n_requests, _.sad_each  # benchmarks: written to the JSON of a run
connection_made, data_received, connection_lost  # benchmarks.load_client: asyncio calls them
on_body, on_message_complete  # benchmarks.load_client: httptools calls them
unmix_step  # worker.tasks: RQ calls it by the name in worker.sharing
_.conformsTo, _.keywords, _.jobControlOptions, _.outputTransmission  # service.ogc.schemas: fields of the JSON
_.describe  # service.measuring: Prometheus' registry asks it
