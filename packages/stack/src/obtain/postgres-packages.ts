export const MONGO_REMEDY = 'install mongod 6 or newer, or set MONGODB_URI';

/** The Debian suite that has PostgreSQL 18 with DocumentDB. */
export const SUITE = 'forky';

export const PACKAGE = 'postgresql-18-documentdb';

// Dependencies in Debian that no library needs which PostgreSQL loads here. They are a third of the download.
const LEFT_OUT = [
  // scripts and services around the server, not needed to run it
  'perl|libperl|systemd|libsystemd-shared|sysvinit|procps|login|passwd|adduser|base-passwd|debconf|ucf',
  'postgresql-common|postgresql-client-common|openssl_',
  'gnupg|gpg|dirmngr|pinentry|libgcrypt|locales|libc-l10n|libc-gconv|libnss3|libarchive|libdb5',
  // raster and 3D support of PostGIS, which DocumentDB never uses
  'gdal|libgdal|proj-data|libsfcgal|libboost|libgfortran|libmpfr|liblapack|libblas|libarmadillo',
  'libhdf|libnetcdf|libspatialite|libmariadb|libxerces|libabsl|libpoppler|fonts-|fontconfig',
  'libaom|libsvtav1|libdav1d|librav1e|libgav1|libjxl|libheif',
].join('|');

/** Whether the server needs this package, one of the dependencies of `PACKAGE`. */
export function isNeeded(name: string): boolean {
  return !new RegExp(`^(${LEFT_OUT})`).test(name);
}
