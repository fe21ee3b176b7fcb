/** The release whose behaviour is followed; images of other patch releases of 1.18 run the same programs. */
export const ciliumVersion = '1.18.4'
export const ciliumBuild = 'v1.18.4-afda2aa9'
