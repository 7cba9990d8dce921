"""Results as pictures, for the screen and for papers; needs the extra ``plot``."""
