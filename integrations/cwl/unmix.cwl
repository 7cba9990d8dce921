# Spectral unmixing as an OGC application package (OGC 20-089): a STAC folder in, a STAC folder out.
#
#   #main      one scene, for platforms: EOEPCA, openEO's run_udf with the runtime EOAP-CWL, Calrissian, Toil
#   #in-parts  a large scene with a stored model: ranges of rows on as many machines as there are, then joined
#   #unmix     the tool behind #main; its scene may be a file too
#
# docs/integrations.md says how it is run. The image is the one that docker-compose.yml builds.
cwlVersion: v1.2
$namespaces:
  s: https://schema.org/
s:softwareVersion: 0.1.0

$graph:
  - class: Workflow
    id: main
    label: Unmix a hyperspectral scene
    doc: Finds the materials of a hyperspectral image and how much of each is in every pixel.
    inputs:
      scene:
        type: Directory
        label: STAC catalog whose only item has the scene as its data
      model:
        type: File?
        label: Stored model (ONNX) to apply; without one a model is trained
      library:
        type: File?
        label: Spectral library (CSV) that names what is found
      mask:
        type: File?
        label: Raster or GeoJSON that says which pixels to use
      n_endmembers:
        type: int?
        label: Number of materials, 2 to 32; estimated when missing
      method:
        type: string?
        label: Method, lpalm when missing
      abundances_of:
        type: string?
        label: What abundances are shares of, area (when missing) or shape
      seed:
        type: int?
        label: Seed of every random choice
      max_training_seconds:
        type: float?
        label: Stop training after so many seconds
      bad_bands:
        type: string?
        label: Bands to leave out, 1350-1430nm or numbers from 0
      nodata:
        type: float?
        label: Number that means no data, in place of the file's
      scale:
        type: float?
        label: Factor for the numbers, in place of the file's
    steps:
      unmix:
        run: "#unmix"
        in:
          scene: scene
          model: model
          library: library
          mask: mask
          n_endmembers: n_endmembers
          method: method
          abundances_of: abundances_of
          seed: seed
          max_training_seconds: max_training_seconds
          bad_bands: bad_bands
          nodata: nodata
          scale: scale
        out: [results]
    outputs:
      results:
        type: Directory
        label: STAC catalog and collection of the maps, spectra and model
        outputSource: unmix/results

  - class: Workflow
    id: in-parts
    label: Apply a stored model to a large scene, part by part
    doc: Every part is made from the files alone; the result is the one of a single run.
    requirements:
      ScatterFeatureRequirement: {}
    inputs:
      scene:
        type: [Directory, File]
        label: STAC catalog with the scene, or the file itself
      model:
        type: File
        label: Stored model (ONNX)
      rows:
        type: string[]
        label: Ranges of rows, 0:1000 and so on, which make up the scene, each row once
      abundances_of:
        type: string?
        label: What abundances are shares of, area (when missing) or shape
    steps:
      part:
        run: "#part"
        scatter: rows
        in:
          scene: scene
          model: model
          rows: rows
          abundances_of: abundances_of
        out: [part]
      join:
        run: "#join"
        in:
          parts: part/part
        out: [results]
    outputs:
      results:
        type: Directory
        outputSource: join/results

  - class: CommandLineTool
    id: unmix
    label: Unmix one scene
    hints: &image
      DockerRequirement:
        dockerPull: unmixing-service:latest
    requirements: &small
      ResourceRequirement:
        coresMin: 1
        ramMin: 2048
    baseCommand: [unmix, run]
    arguments: [--out, unmixed]
    inputs:
      scene:
        type: [Directory, File]
        inputBinding: {position: 1}
      companion:
        type: File?
        label: The other file of an ENVI scene that is given as a file
        inputBinding: {position: 2}
      model:
        type: File?
        inputBinding: {prefix: --model}
      library:
        type: File?
        inputBinding: {prefix: --library}
      mask:
        type: File?
        inputBinding: {prefix: --mask}
      n_endmembers:
        type: int?
        inputBinding: {prefix: --n-endmembers}
      method:
        type: string?
        inputBinding: {prefix: --method}
      abundances_of:
        type: string?
        inputBinding: {prefix: --abundances-of}
      seed:
        type: int?
        inputBinding: {prefix: --seed}
      max_training_seconds:
        type: float?
        inputBinding: {prefix: --max-training-seconds}
      bad_bands:
        type: string?
        inputBinding: {prefix: --bad-bands}
      nodata:
        type: float?
        inputBinding: {prefix: --nodata}
      scale:
        type: float?
        inputBinding: {prefix: --scale}
    outputs: &unmixed
      results:
        type: Directory
        outputBinding: {glob: unmixed}

  - class: CommandLineTool
    id: part
    label: Unmix some rows of a scene with a stored model
    hints: *image
    requirements: *small
    baseCommand: [unmix, run]
    arguments: [--out, part]
    inputs:
      scene:
        type: [Directory, File]
        inputBinding: {position: 1}
      model:
        type: File
        inputBinding: {prefix: --model}
      rows:
        type: string
        inputBinding: {prefix: --rows}
      abundances_of:
        type: string?
        inputBinding: {prefix: --abundances-of}
    outputs:
      part:
        type: Directory
        outputBinding: {glob: part}

  - class: CommandLineTool
    id: join
    label: Make one result of all parts
    hints: *image
    requirements: *small
    baseCommand: [unmix, join]
    arguments: [--out, unmixed]
    inputs:
      parts:
        type: Directory[]
        inputBinding: {position: 1}
    outputs: *unmixed
