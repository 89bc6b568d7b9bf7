/** The stand-in for rpcd, which the browser tests use, answers as a real router did. */
