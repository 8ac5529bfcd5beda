#!/bin/bash
# A real OpenLDAP directory, for the tests of connectors and discovery:
#   scripts/ldap-target.sh DIR ADDRESS PORT
#
# Speaks LDAPS only. DIR holds `data.ldif`, the entries below dc=corp,dc=test; `cn=admin,dc=corp,dc=test`
# has the password in `admin_password`. `cert.pem` and `slapd.log` are written, `ready` appears when it is
# about to listen. With DIE_WITH_PARENT=1 it ends when the process that started it does.
set -euo pipefail
dir=$(realpath "$1")
cd "$dir"
rm -f ready
if [ ! -d conf ]; then
    mkdir conf db
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:"$2" -keyout key.pem -out cert.pem 2>/dev/null
    hash=$(slappasswd -T <(printf '%s' "$(cat admin_password)"))
    cat >init.ldif <<C
dn: cn=config
objectClass: olcGlobal
cn: config
olcTLSCertificateFile: $dir/cert.pem
olcTLSCertificateKeyFile: $dir/key.pem

dn: cn=module,cn=config
objectClass: olcModuleList
cn: module
olcModulePath: /usr/lib/ldap
olcModuleLoad: back_mdb
olcModuleLoad: ppolicy
olcModuleLoad: memberof

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

include: file:///etc/ldap/schema/core.ldif
include: file:///etc/ldap/schema/cosine.ldif
include: file:///etc/ldap/schema/nis.ldif
include: file:///etc/ldap/schema/inetorgperson.ldif

dn: olcDatabase=mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: mdb
olcSuffix: dc=corp,dc=test
olcRootDN: cn=admin,dc=corp,dc=test
olcRootPW: $hash
olcDbDirectory: $dir/db
olcLastBind: TRUE
olcAccess: to attrs=userPassword by self write by anonymous auth by * none
olcAccess: to * by users read by * none

dn: olcOverlay=ppolicy,olcDatabase={1}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcPPolicyConfig
olcOverlay: ppolicy
olcPPolicyHashCleartext: TRUE

dn: olcOverlay=memberof,olcDatabase={1}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcMemberOf
olcOverlay: memberof
C
    slapadd -n 0 -F conf -l init.ldif >slapd.log 2>&1
    slapadd -n 1 -F conf -l data.ldif >>slapd.log 2>&1
fi
touch ready
exec ${DIE_WITH_PARENT:+setpriv --pdeathsig KILL} slapd -d stats -F conf -h "ldaps://$2:$3/" </dev/null >>slapd.log 2>&1
